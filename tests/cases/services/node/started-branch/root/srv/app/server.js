const http = require('http');
const server = http.createServer();
if (process.env.LISTEN) {
  server.listen(process.env.LISTEN, 64);
} else {
  server.listen(3000, '127.0.0.1');
}
