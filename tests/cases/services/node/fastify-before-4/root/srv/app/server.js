const fastify = require('fastify');

fastify().listen(3000, () => {});
fastify().listen({ port: 3001, backlog: 300 }, () => {});
fastify().listen(3002, 'localhost', 301, () => {});
fastify().listen(3003, '0.0.0.0', () => {});
