// What is typed into viser's forms is kept: Enter and clicking elsewhere both submit. A browser submits a form at Enter
// only, and viser sends a keystroke up to 50 ms late, or not at all where a submission follows sooner. So both wait
// until the last letter has gone.
{
  const submit = (event) => {
    const form = event.target.form;
    if (form) setTimeout(() => form.isConnected && form.requestSubmit(), 150);
  };
  addEventListener("focusout", submit, true);
  addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && event.target.form && event.target.matches("input")) {
        event.preventDefault();
        submit(event);
      }
    },
    true,
  );
}
