import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../cli/src/demo/free-port.ts';
import { debianProgram, serving, type Peer } from './peer.ts';

const portkeyVersion = '1.15.2';

/** Debian's nginx as a reverse proxy with kept connections and no logs. */
export async function startNginx(upstream: number): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-nginx-'));
  const port = await freePort();
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(
    configuration,
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log ${directory}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  upstream model { server 127.0.0.1:${upstream}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`,
  );
  const child = spawn(debianProgram('/usr/sbin/nginx'), ['-c', configuration], { stdio: 'ignore' });
  return serving(child, port, () => {
    rmSync(directory, { recursive: true, force: true });
  });
}

/** Portkey's gateway from npm. Only benchmarks need it, so it is installed beside the project's own packages, once; null where it cannot be had. */
export async function startPortkey(): Promise<Peer | null> {
  const directory = join(tmpdir(), `countersign-portkey-${portkeyVersion}`);
  const program = join(directory, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  if (!existsSync(program)) {
    const wanted = `@portkey-ai/gateway@${portkeyVersion}`;
    spawnSync('npm', ['install', '--prefix', directory, '--ignore-scripts', '--no-save', wanted], { stdio: 'ignore' });
  }
  if (!existsSync(program)) {
    return null;
  }
  const port = await freePort();
  return serving(
    spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore', env: { ...process.env, NODE_ENV: 'production' } }),
    port,
  );
}
