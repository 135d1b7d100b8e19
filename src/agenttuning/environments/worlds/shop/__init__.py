"""A shop without a server: products, search, pages in WebShop's text mode, purchases and their reward."""
