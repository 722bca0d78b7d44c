import { createServer, Server } from 'http';

class Api {
  constructor(private readonly server: Server, private port: number = 3000) {}

  get backlog(): number {
    return 200;
  }

  listen(): void {
    this.server.listen(this.port, this.backlog);
  }
}

new Api(createServer()).listen();
