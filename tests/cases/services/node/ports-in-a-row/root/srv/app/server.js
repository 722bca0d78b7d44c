const http = require('http');

const base = Number(process.env.BASE_PORT) || 3000;
const listen = (offset, queue) => http.createServer().listen({ port: base + offset, backlog: queue });

listen(0, 200);
listen(1, 201);
