/** Everything that the file needs is in it, and it may ask for nothing. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";
const style =
  ':root{color-scheme:light dark;font:0.875rem/1.45 system-ui,sans-serif}body{max-width:80rem;margin:1rem auto;padding:0 1rem}pre{overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}input{width:100%}.low{color:light-dark(#1c6b3a,#7fd6a0)}.high{color:light-dark(#8c1a11,#ffb4ab)}';

/** Returns a page that holds a bundle, in base64, and the program that verifies it. */
export function evidenceFile(session: string, bundle: string, program: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${session.replaceAll(/[^0-9a-f]/g, '')}</title>
<style>${style}</style>
<body>
<script type="text/plain" id="bundle">${bundle}</script>
<script type="module">${program.replaceAll('</script', String.raw`<\/script`)}</script>
</body>
</html>
`;
}
