const { fastify } = require('fastify');

fastify().listen({ path: '/run/app.sock', backlog: 304 });
