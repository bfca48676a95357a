import type { ColumnSource, SchemaElement } from 'hyparquet-writer';

/** So many rows are a group of the file. No more are held. */
const groupRows = 10_000;

/** A column: its name, and how its values are written. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: 'STRING' | 'JSON' | 'INT64' | 'TIMESTAMP' | 'BOOLEAN';
}

type Row = Readonly<Record<string, unknown>>;

/** Yields a Parquet file of rows, a group of them at a time. Lists and objects are JSON. */
export async function* parquetFile(columns: readonly ParquetColumn[], rows: AsyncIterable<Row>): AsyncGenerator<Uint8Array> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), createdBy: 'countersign' });
  let group: Row[] = [];
  let count = 0;
  const write = async (): Promise<void> => writer.write({ columnData: columns.map((column) => columnOf(column, group)), rowGroupSize: groupRows });
  const taken = (): Uint8Array => {
    const made = bytes.getBytes().slice();
    bytes.index = 0;
    return made;
  };
  for await (const row of rows) {
    group.push(row);
    count += 1;
    if (group.length === groupRows) {
      await write();
      yield taken();
      group = [];
    }
  }
  if (group.length > 0 || count === 0) {
    await write();
  }
  await writer.finish();
  yield taken();
}

const elements = {
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  JSON: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
  INT64: { type: 'INT64' },
  TIMESTAMP: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  BOOLEAN: { type: 'BOOLEAN' },
} as const;

function schemaOf(columns: readonly ParquetColumn[]): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }): SchemaElement => ({ name, ...elements[type], repetition_type: 'OPTIONAL' })),
  ];
}

function columnOf({ name, type }: ParquetColumn, rows: readonly Row[]): ColumnSource {
  return { name, type, nullable: true, data: rows.map((row) => valueOf(row[name], type)) };
}

function valueOf(value: unknown, type: ParquetColumn['type']): unknown {
  if (value === null || value === undefined) {
    return null;
  }
  return type === 'INT64' ? BigInt(Number(value)) : type === 'TIMESTAMP' ? new Date(typeof value === 'string' ? value : NaN) : value;
}
