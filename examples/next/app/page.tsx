/** A page that the server renders; the model loads in the browser once it is there. */
import { Digit } from './digit';

export default function Page() {
  return (
    <main>
      <h1>A model in a Next.js page</h1>
      <Digit />
    </main>
  );
}
