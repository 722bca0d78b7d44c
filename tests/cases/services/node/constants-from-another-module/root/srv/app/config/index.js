export const port = 3000;
const queue = 200;

export { queue };
export default { backlog: 201 };
