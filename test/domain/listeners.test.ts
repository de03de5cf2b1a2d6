import { expect, it } from "@jest/globals";
import { tellAll } from "../../domain/listeners.ts";

it("tells everybody, in order, and throws what one threw once all were told", () => {
  const told: string[] = [];
  const listeners = new Set<(news: string) => void>([
    (news) => told.push(`a ${news}`),
    () => {
      throw new Error("broken");
    },
    (news) => told.push(`b ${news}`),
  ]);
  expect(() => tellAll(listeners, "x")).toThrow("broken");
  expect(told).toEqual(["a x", "b x"]);
});

it("throws all of several errors, and leaves out who comes while others are told", () => {
  const listeners = new Set<() => void>();
  const told: string[] = [];
  const broken = (message: string) => (): void => {
    listeners.add(() => told.push("late"));
    throw new Error(message);
  };
  listeners.add(broken("one"));
  listeners.add(broken("two"));
  expect(() => tellAll(listeners)).toThrow(
    expect.objectContaining({ errors: [new Error("one"), new Error("two")], message: "2 listeners failed" }),
  );
  expect(told).toEqual([]);
});
