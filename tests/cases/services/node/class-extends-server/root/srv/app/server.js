const http = require('http');
const { Server } = require('net');

class Api extends http.Server {}

class Line extends Server {
  start() {
    this.listen(3001, 201);
  }
}

new Api().listen(3000, 200);
new Line().start();
