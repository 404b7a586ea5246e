/** Words of a list, such as tags or topics, as they are typed: with commas between. */
export function parseWords(text: string): string[] {
  return text
    .split(/[,，、\n]/)
    .map((one) => one.trim())
    .filter(Boolean);
}

const MOST_TOPICS = 20;
const LONGEST_TOPIC = 40;

/** Whether a project can have these topics. */
export function areTopics(topics: readonly string[]): boolean {
  return (
    topics.length <= MOST_TOPICS &&
    topics.every((topic) => Array.from(topic).length <= LONGEST_TOPIC)
  );
}
