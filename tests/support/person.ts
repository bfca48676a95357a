/** A person at a browser: `node tests/support/person.ts NAME ADDRESS` opens the address, signs in there with the name, and allows what is asked. */
import { approve } from './issuer.ts';

const [, , name = '', address = ''] = process.argv;
await approve(address, name);
