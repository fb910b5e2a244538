import { go } from "../support/go-library.ts";
import { describeLive } from "./library-live.ts";

describeLive(go);
