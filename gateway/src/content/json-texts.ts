/** A string of JSON, with the colon behind it where it is the name of a member. */
const string = /"(?:[^"\\]|\\.)*"(\s*:)?/gs;

/** The JSON with its texts changed and everything else, names of members too, as it was written. Linear in time; of what is no JSON the quoted parts are changed. */
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

/** A string that no parser takes is what stands between its quotes. */
function parseString(written: string): string {
  try {
    return String(JSON.parse(written));
  } catch {
    return written.slice(1, -1);
  }
}
