export * from './limits.js';
export { default, makeServer } from './api.js';
