const fastify = require('fastify')();

fastify.listen({ port: 3000, backlog: 300 }, (error) => {
  if (error) throw error;
});
