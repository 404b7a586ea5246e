import { act, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { announce, announceAtRest, Announcer, AT_REST_MS } from "@/ui/announcer";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("says politely where what runs by comes to rest, and nothing of the way", () => {
  render(<Announcer />);
  const said = screen.getByRole("status");
  expect(said).toHaveAttribute("aria-live", "polite");
  for (let frame = 1; frame <= 40; frame += 1) {
    act(() => announceAtRest(`Frame ${frame} of 40`));
    act(() => void vi.advanceTimersByTime(AT_REST_MS - 1));
    expect(said).toHaveTextContent(/^$/);
  }
  act(() => void vi.advanceTimersByTime(1));
  expect(said).toHaveTextContent("Frame 40 of 40");
});

it("says everything else at once", () => {
  render(<Announcer />);
  act(() => announceAtRest("Frame 2 of 40"));
  act(() => announce("Owl"));
  expect(screen.getByRole("status")).toHaveTextContent("Owl");
});
