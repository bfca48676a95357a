/** Returns why an address of a server that the gateway asks or tells something is not accepted; null if it is. `plain` says why it must be https:// outside of this machine. */
export function faultOfWebAddress(written: string, plain: string): string | null {
  const url = URL.parse(written);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'an address is https://HOST/PATH';
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'an address has no user, password or fragment';
  }
  const isHere = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'http:' && !isHere ? plain : null;
}
