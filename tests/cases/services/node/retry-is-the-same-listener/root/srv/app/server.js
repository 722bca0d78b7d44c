const http = require('http');

const server = http.createServer();
server.on('error', (error) => {
  if (error.code === 'EADDRINUSE') {
    setTimeout(() => server.listen(3000, 200), 1000);
  }
});
server.listen(3000, 200);
