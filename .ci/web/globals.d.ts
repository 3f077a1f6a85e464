// What the classic scripts of a page give one another, and what the report writes for them.
interface Window {
  [shared: `tds${string}`]: any;
  vegaEmbed: any;
}
declare const ariaLabel: never;
declare function importScripts(...scripts: string[]): void; // of a worker
