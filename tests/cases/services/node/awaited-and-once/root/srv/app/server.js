const http = require('http');
const { once } = require('events');

(async () => {
  const server = http.createServer();
  await once(server.listen(3000, 200), 'listening');
  await new Promise((resolve) => http.createServer().listen(3001, 201, resolve));
})();
