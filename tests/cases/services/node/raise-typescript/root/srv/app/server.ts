import { createServer, type Server } from 'http';

class Api {
  private readonly server: Server = createServer();

  constructor(private readonly port: number) {}

  start(): Server {
    return this.server.listen(this.port, (): void => console.log('ready'));
  }
}

new Api(3000).start();
