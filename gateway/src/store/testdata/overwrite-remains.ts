/** Overwrites what is left in the unused parts of a database, and prints how that ended: `done`, or the code of the error. */
import { GatewayError } from '../../domain/errors.ts';
import { SqliteRemains } from '../sqlite-remains.ts';

const [file = ''] = process.argv.slice(2);
using remains = new SqliteRemains(file);
try {
  await remains.overwrite();
  process.stdout.write('done');
} catch (error) {
  process.stdout.write(error instanceof GatewayError ? error.code : String(error));
}
