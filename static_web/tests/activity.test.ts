import { expect, it } from "vitest";

import { activeClock } from "@/features/label/session/activity";

it("runs while somebody is at work, and leaves out pauses of more than a minute", () => {
  let now = 0;
  const clock = activeClock(() => now);
  now = 40_000;
  clock.touch();
  now = 100_000;
  expect(clock.read()).toBe(100_000);
  clock.touch();
  now = 161_000; // gone for longer than a minute
  clock.touch();
  now = 163_000;
  expect(clock.read()).toBe(102_000);
});
