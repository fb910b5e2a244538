export { type AskOptions, type QuestionHandler, Questions, type QuestionsOptions } from "./questions.ts";
