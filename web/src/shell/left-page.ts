/** Takes everything out of a page that is left, and makes it anew for who comes back: browsers keep pages, and who was signed in may have signed out. */
export function forgetWhenLeft(place: HTMLElement): void {
  window.addEventListener('pagehide', () => place.replaceChildren());
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) {
      window.location.reload();
    }
  });
}
