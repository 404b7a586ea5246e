"""From handing out a page to the answer to its submission."""
