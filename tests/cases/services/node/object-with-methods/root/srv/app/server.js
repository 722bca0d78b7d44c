const http = require('http');

const app = {
  port: 3000,
  servers: {},
  start() {
    this.servers.http = http.createServer();
    this.servers.http.listen(this.port, 200);
  },
};

app.start();
