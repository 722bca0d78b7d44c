import { createServer } from 'node:http';

export const makeServer = () => createServer();

export default class Api {
  private readonly server = makeServer();

  start(port: number) {
    this.server.listen(port, 200);
  }
}
