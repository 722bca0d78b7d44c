const http = require('http');

class App {
  port = 3000;
  static backlog = 200;
  #server = http.createServer();

  start() {
    this.#server.listen(this.port, App.backlog);
  }
}

new App().start();
