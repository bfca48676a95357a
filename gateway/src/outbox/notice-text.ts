/** Most characters of a text in a notice. */
const charactersMax = 2_000;

/** Cuts a text that is too long for a notice. */
export function cut(text: string): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax).toWellFormed()}…`;
}

/** Escapes what Slack reads as a mention or a link: https://docs.slack.dev/messaging/formatting-message-text */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
