import { spawn } from 'node:child_process';

/** Returns the command that opens a page in a browser of this machine; null if there seems to be none, for instance over SSH. */
export function findBrowser(): readonly string[] | null {
  const { BROWSER: named = '', SSH_CONNECTION: remote, DISPLAY: x11, WAYLAND_DISPLAY: wayland } = process.env;
  if (named !== '') {
    return [named];
  }
  if (remote !== undefined) {
    return null;
  }
  if (process.platform === 'darwin') {
    return ['open'];
  }
  if (process.platform === 'win32') {
    return ['rundll32', 'url.dll,FileProtocolHandler'];
  }
  return x11 === undefined && wayland === undefined ? null : ['xdg-open'];
}

/** Opens a page. If that does not work, the person opens it: the address is printed too. */
export function openBrowser([program = '', ...words]: readonly string[], address: string): void {
  const child = spawn(program, [...words, address], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
