import { createServer, type Server } from 'http';

type Start = (server: Server, port: number) => Server;
const plans: Record<string, Start> = {
  web: (server: Server, port: number) => server.listen(port, 200),
};

const plan = ['web'][0];
plans[plan](createServer(), 3000);
