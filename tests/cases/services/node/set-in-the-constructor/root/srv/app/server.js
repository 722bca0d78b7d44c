const http = require('http');

class App {
  constructor() {
    this.server = http.createServer(this.handle);
    this.backlog = 200;
  }

  handle(req, res) {
    res.end('ok');
  }

  start(port) {
    this.server.listen(port, this.backlog);
  }
}

new App().start(3000);
