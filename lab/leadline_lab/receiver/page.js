// Shows what is new as it comes; where the reader is stays where it is.
setInterval(async () => {
  try {
    const seen = await (await fetch("/count")).text();
    if (seen !== document.body.dataset.count) location.reload();
  } catch {
    // The receiver is gone; what it got stays on the screen.
  }
}, 1000);
