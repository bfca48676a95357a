/** Returns why an address of a server that the gateway asks or tells something is not accepted; null if it is. `plain` says why it must be https:// outside of this machine; null: it need not. */
export function faultOfWebAddress(written: string, plain: string | null): string | null {
  const url = URL.parse(written);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'an address is https://HOST/PATH';
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'an address has no user, password or fragment';
  }
  return isInTheClear(written) ? plain : null;
}

/** Returns whether what is sent to an address crosses a network without encryption. */
export function isInTheClear(written: string): boolean {
  const url = URL.parse(written);
  return url?.protocol === 'http:' && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}
