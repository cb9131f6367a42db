/** The light build has no declarations of its own; its programming interface is the full one's. */
declare module 'hls.js/light' {
  export * from 'hls.js';
  export { default } from 'hls.js';
}
