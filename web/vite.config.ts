// How the dashboard is built: hashed files that the server may let browsers keep for ever, nothing inline,
// because the content security policy allows no inline script or style.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { "/api": process.env.REMORA_URL ?? "http://127.0.0.1:8898" } },
  test: { include: ["src/**/*.test.ts"] },
});
