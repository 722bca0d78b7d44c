const cluster = require('cluster');
const http = require('http');

if (cluster.isPrimary) {
  cluster.fork();
} else {
  http.createServer().listen({ port: 3000, backlog: 400, exclusive: true });
}
