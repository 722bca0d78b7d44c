const Hapi = require('@hapi/hapi');

const init = async () => {
  const server = Hapi.server({ port: 3000, host: '127.0.0.1' });
  await server.start();
  await new Hapi.Server({ port: 3001 }).start();
  await Hapi.server({ port: '/run/app.sock' }).start();
};

init();
