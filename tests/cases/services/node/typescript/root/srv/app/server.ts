import * as http from 'node:http';
import type { AddressInfo, Server } from 'node:net';

enum Queue { Short = 10, Long = 1 << 9 }

interface Settings { readonly port: number; host?: string }
const settings = { port: 3000, host: '127.0.0.1' } as const satisfies Settings;

abstract class Base<T extends Server> {
  protected server!: T;
  public start(port: number, backlog?: number): AddressInfo {
    return (this.server as Server).listen(port, settings.host!, <number>backlog).address() as AddressInfo;
  }
}

class Api extends Base<Server> {
  protected override server: Server = http.createServer();
}

new Api().start(settings.port, Queue.Long);
http.createServer().listen({ port: settings.port + 1, backlog: Queue.Short } satisfies object);
