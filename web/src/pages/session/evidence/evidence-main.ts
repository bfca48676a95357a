/** The program in a file of evidence: it verifies the bundle that is in the file, without a network, and shows what it says. */
import { verdictWords, verifyFile, type FileReport, type ParsedRecord } from '@countersign/ledger';
import { visiblePieces } from '../../../parts/visible-text.ts';
import { texts } from '../../../texts.ts';

const bundle = Uint8Array.fromBase64(document.getElementById('bundle')?.textContent.trim() ?? '');
const place = document.body.appendChild(document.createElement('main'));

function add(tag: string, text: string, parent: HTMLElement = place): HTMLElement {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = visiblePieces(text)
    .map((piece) => ('text' in piece ? piece.text : `[U+${piece.hidden}]`))
    .join('');
  return element;
}

async function show(key: string): Promise<void> {
  const records: ParsedRecord[] = [];
  const report = await verifyFile(bundle, { ...(key === '' ? {} : { keys: [key] }), onRecord: (record) => records.push(record) });
  place.replaceChildren();
  add('h1', verdictWords[report.verdict]).className = report.verdict === 'holds' ? 'low' : 'high';
  report.findings.forEach(({ code, where, what }) => add('p', `${code}: ${where} ${what}`));
  add('p', texts.evidence.counts(report.counts.records, report.counts.withheld));
  add('p', texts.evidence.key[keySourceOf(report)]);
  add('p', texts.evidence.log(report.session ?? '', report.log ?? '', report.logSize ?? 0));
  addKeyForm();
  if (report.verdict === 'holds') {
    records.forEach(addRecord);
  }
}

function keySourceOf({ keySource }: FileReport): 'given' | 'bundle' {
  return keySource === 'given' ? 'given' : 'bundle';
}

function addKeyForm(): void {
  const form = place.appendChild(document.createElement('form'));
  const label = add('label', `${texts.integrity.give} `, form);
  const input = label.appendChild(document.createElement('input'));
  add('button', texts.integrity.trust, form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    show(input.value.trim()).catch((error: unknown) => add('p', texts.integrity.noKey(error instanceof Error ? error.message : String(error))));
  });
}

function addRecord({ decoded, meta, content }: ParsedRecord): void {
  const section = place.appendChild(document.createElement('section'));
  add('h2', `${decoded.sessionSeq} ${decoded.kind} ${new Date(decoded.timeMs).toISOString()}`, section);
  for (const body of [meta, content]) {
    if (body.form !== 'none') {
      add('pre', body.form === 'clear' ? body.text : body.form === 'opened' ? new TextDecoder().decode(body.plaintext) : texts.evidence.withheld, section);
    }
  }
}

void show('');
