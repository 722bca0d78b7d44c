const http = require('http');
const { EventEmitter } = require('events');

class Bus extends EventEmitter {
  listen(port, backlog) {
    this.on(String(port), () => backlog);
  }
}

const bus = new Bus();
const history = { listen(callback) { callback('/'); } };
const mock = { createServer: () => bus };

bus.listen(9000, 900);
history.listen(() => {});
mock.createServer().listen(9001, 901);
http.createServer().listen(3000, 200);
