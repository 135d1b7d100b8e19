"""webarena-mini: five small sites on one port, with tasks in WebArena's raw schema.

`serving.open_sites` serves a scene behind an HTTP proxy of its own, `tasks.mini_tasks` yields the tasks. For a person:
`python -m agenttuning.environments.worlds.minisites`.

    placeholder          address              site
    __SHOPPING__         http://shop.mini     catalogue, search, cart, orders, reviews
    __SHOPPING_ADMIN__   http://admin.mini    the shop's back office
    __REDDIT__           http://forum.mini    communities, posts, votes, comments
    __GITLAB__           http://code.mini     projects, files, issues, merge requests, members
    __WIKIPEDIA__        http://wiki.mini     articles

What the benchmark's locator functions ask is where they expect it:

    shopping_get_latest_order_url           GET __SHOPPING__/rest/V1/orders with a bearer token gives
                                            {"items": [{"increment_id": "000000117"}]}; the page of that order is
                                            /sales/order/view/order_id/117/, for the customer who ordered
    shopping_get_sku_latest_review_author   GET __SHOPPING__/rest/V1/products/SKU/reviews, oldest first, gives
    shopping_get_sku_latest_review_rating   [{"nickname": "Ada", "ratings": [{"rating_name": "Rating", "percent": 80}]}]
    (token)                                 POST __SHOPPING__/rest/default/V1/integration/admin/token gives one to
                                            everybody: a scene holds nothing worth a secret; it reads, and opens no page
    reddit_get_post_url                     posts are at /f/COMMUNITY/NUMBER/SLUG and at /f/COMMUNITY/NUMBER/
    gitlab_get_project_memeber_role         on /OWNER/PROJECT/-/project_members, @name is in td[data-label='Account']
                                            span.gl-avatar-labeled-sublabel, the role in td.col-max-role span

The proxy grants tunnels (CONNECT) to port 80 of the sites, which HTTP clients outside of a page ask for.
"""
