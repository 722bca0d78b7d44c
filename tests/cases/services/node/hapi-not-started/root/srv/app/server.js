const Hapi = require('@hapi/hapi');

const idle = Hapi.server({ port: 3000 });
const server = Hapi.server({ port: 3001, address: '127.0.0.1', host: 'example.org' });
server.start();
