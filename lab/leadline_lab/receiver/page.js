// Shows what is new as it comes; where the reader is stays where it is.
setInterval(async () => {
  try {
    const seen = await (await fetch("/count")).text();
    if (seen !== document.body.dataset.count) location.reload();
  } catch {
    // The receiver is gone; what it got stays on the screen.
  }
}, 1000);

// What people do in PagerDuty itself, which the sender does not see.
for (const button of document.querySelectorAll("button[data-action]")) {
  button.addEventListener("click", async () => {
    const body = JSON.stringify({ key: button.dataset.key, action: button.dataset.action });
    await fetch("/by-hand", { method: "POST", headers: { "content-type": "application/json" }, body });
    location.reload();
  });
}

// Buttons of a message in Slack: Slack tells the app that somebody has pressed one.
for (const button of document.querySelectorAll("button[data-button]")) {
  button.addEventListener("click", async () => {
    const body = JSON.stringify({ button: button.dataset.button });
    const answered = await fetch("/press", { method: "POST", headers: { "content-type": "application/json" }, body });
    const { shown, problem } = await answered.json();
    if (shown !== "acknowledged") alert(problem || shown);
    location.reload();
  });
}
