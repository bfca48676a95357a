/** A server that speaks the protocol of S3, in its own process: prints its address, and keeps objects in memory until it is killed. */
import { SmallS3Server } from '../gateway/src/archive/testdata/s3-server.ts';

const server = await SmallS3Server.open();
process.stdout.write(`${server.endpoint}\n`);
