const http = require('http');

function build() {
  const server = http.createServer();
  server.on('clientError', (error, socket) => socket.destroy());
  return server;
}
const plain = () => http.createServer();

build().listen(3000, 200);
plain().listen(3001, 201);
