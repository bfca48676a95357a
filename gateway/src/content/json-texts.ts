/** Matches a string of JSON, with the colon after it if it is the name of a member. */
const string = /"(?:[^"\\]|\\.)*"(\s*:)?/gs;

/** Changes the texts in JSON and keeps everything else, including names of members, as it was written. Time is linear. In text that is not JSON, the quoted parts are changed. */
export function changeJsonTexts(json: string, change: (text: string) => string): string {
  return json.replaceAll(string, (written: string, colon: string | undefined) => {
    if (colon !== undefined) {
      return written;
    }
    const text = parseString(written);
    const changed = change(text);
    return changed === text ? written : JSON.stringify(changed);
  });
}

/** The value of a JSON string. If no parser accepts it, the value is the text between its quotes. */
function parseString(written: string): string {
  try {
    return String(JSON.parse(written));
  } catch {
    return written.slice(1, -1);
  }
}
