/**
 * Questions and answers with programs on golang-ipc, which have no requests.
 *
 * @module sealpipe/questions
 */

export { type AskOptions, type QuestionHandler, Questions, type QuestionsOptions } from "./questions.ts";
